/** A quiet world: what shows in it is the plant's. */
export const CALM = {
  crashEveryMs: 0,
  crashAtEffect: 0,
  breakEveryMs: 0,
  stallEveryMs: 0,
  refusing: 0,
  silent: 0,
  hostile: 0,
  diskFullEveryMs: 0,
  diskFailing: 0,
  diskSlowestMs: 20,
  netSlowestMs: 20,
  jumpEveryMs: 0,
  drainEveryMs: 0,
  rewindEveryMs: 0,
  quietHours: 0,
  deedEveryMs: 1500,
};
