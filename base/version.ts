import config from "../deno.json" with { type: "json" };

/** The product's version, as `deno.json` has it. */
export const VERSION: string = config.version;
