/**
 * A value made when it is first asked for, then kept. For what is dear to make and seldom needed: schemas, above all,
 * of which a program that has just started needs one in ten.
 */
export function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
