/**
 * How the `yaml` package reads what people write: YAML 1.2 with what JSON can say, no merge keys. Its readers walk the
 * nodes afterwards and refuse what has two meanings; they find keys that stand twice as well, all of them, in linear time.
 */
export const YAML_OPTIONS = {
  version: "1.2",
  schema: "core",
  strict: true,
  merge: false,
  uniqueKeys: false,
  prettyErrors: false,
  logLevel: "error",
} as const;
