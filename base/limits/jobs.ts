/** Jobs, on agents and on servers. */
export const JOB_LIMITS = {
  // --- jobs ---
  /** Ids in one `jobs` or `wantJobs` frame: 500 of 200 characters fit with room. */
  jobsPerFrameMax: 500,
  /** Jobs one agent keeps; the bench holds so many. */
  jobsPerAgentMax: 10_000,
  /** Texts of all jobs one agent keeps: 10,000 of the usual size fit twice. */
  jobsBytesMax: 16 * 1024 * 1024,
  /** Scripts that an agent's jobs need, all together; past it they are fetched when they are needed. */
  jobScriptsBytesMax: 16 * 1024 * 1024,
  /** A due time this long ago was missed: more than the agent needs to start again, or to notice a clock that steps. */
  jobLateMsMax: 10_000,
  /** How often the agent looks at the clock when no job is due. */
  jobLookMs: 5000,
  /** A clock that goes back farther was wrong before: jobs do not wait until it has come so far again. */
  jobBackMsMax: 7 * 24 * 3600_000,
  /** Runs in a row that make up for missed times. */
  jobMissedRunsMax: 100,
  /** Jobs looked at in one step of the core: what the link waits for is less than 10 ms. */
  jobsPerStepMax: 8,
  /** Jobs one server keeps. */
  jobsMax: 10_000,
  /** What a server knows of jobs on agents, one for each pair: as many as targets of open orders. */
  jobStatesMax: 1_000_000,
  /** Job documents on their way to one agent that has not answered for them yet: a good part of its socket's window. */
  jobsWindowBytes: 256 * 1024,
  /** Runs of one job that a server lists: a day of ten agents every ten minutes fits six times. */
  jobRunsPerJobMax: 10_000,
  /** Of all jobs together; with many jobs each keeps fewer. */
  jobRunsMax: 1_000_000,
  /** As long as the streams of the runs. */
  jobRunAgeMsMax: 30 * 24 * 3600_000,
} as const;
