/** The cluster's certificate authority and the material of a new cluster. */
export * from "./another.ts";
export type { GossipFacts } from "./config_text.ts";
export * from "./init.ts";
export * from "./renewal.ts";
export * from "./x509_system.ts";
