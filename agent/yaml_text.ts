/** YAML's reader, for `await import()`: only an agent whose file is no JSON pays for it. */
export { readYaml } from "../base/config/yaml.ts";
