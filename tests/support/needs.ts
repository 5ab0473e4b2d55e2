/**
 * Whether a test can run here: `lacks` says what is missing, undefined for nothing. A skip says why; with
 * REQUIRE_SERVICES=1, as on the build machines, it is a failure.
 */
export function canRun(lacks: string | undefined): boolean {
  if (lacks === undefined) return true;
  if (Deno.env.get("REQUIRE_SERVICES") === "1") throw new Error(`REQUIRE_SERVICES=1, but ${lacks}`);
  console.log(`    skipped: ${lacks}`);
  return false;
}
