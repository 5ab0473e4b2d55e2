/** What every program of the product gives up once it has what it needs: it can then reach the network and no more. */
export function keepOnlyNet(): void {
  for (const name of ["read", "write", "run", "sys", "ffi", "import"] as const) Deno.permissions.revokeSync({ name });
  // From source, the YAML package asks for a debugging variable at every text; compiled programs answer it "not set".
  if (Deno.build.standalone) Deno.permissions.revokeSync({ name: "env" });
}
