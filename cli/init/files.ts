import { dirname, isAbsolute, join } from "node:path";
import { faultsError } from "../../base/config/faults.ts";
import { readYaml } from "../../base/config/yaml.ts";
import { JabberError } from "../../base/errors.ts";
import type { MaterialFile } from "../../cluster/ca/mod.ts";
import { readServerConfig, type ServerReading } from "../../server/config.ts";
import type { World } from "../world.ts";

export const CONFIG = "jabber-server.yaml";

/**
 * Writes a server's files into its folder. `place` says where a file goes that does not belong there.
 * @throws `input.conflict` when one of them is there: then none was written
 */
export async function writeMaterial(
  world: World,
  folder: string,
  files: readonly MaterialFile[],
  place: (path: string) => string = (path) => `${folder}/${path}`,
): Promise<void> {
  for (const { path } of files) {
    if (await world.files.exists(place(path))) {
      throw new JabberError("input.conflict", `${place(path)} is there; choose a folder that holds no server`);
    }
  }
  await world.files.makeFolder(folder, 0o700);
  for (const { path, mode, text } of files) await world.files.write(place(path), text, { mode, overwrite: false });
}

/** The files of a server that is there. */
export interface ServerFolder {
  readonly reading: ServerReading;
  /** Where a file lies that its configuration names. */
  path(file: string): string;
  text(file: string): Promise<string>;
}

/** @param folder the folder of a server, or its configuration. @throws `input.not_found`, `config.*` */
export async function readServerFolder(world: World, folder: string): Promise<ServerFolder> {
  const file = /\.ya?ml$/.test(folder) ? folder : `${folder}/${CONFIG}`;
  const text = await world.files.readIfThere(file);
  if (text === undefined) {
    throw new JabberError("input.not_found", `${file}: name the folder of a server that \`jabber init\` made`);
  }
  const reading = faultless(readServer(text, file));
  const path = (named: string) => isAbsolute(named) ? named : join(dirname(file), named);
  return {
    reading,
    path,
    text: async (named) => new TextDecoder().decode(await world.files.read(path(named))),
  };
}

export function readServer(text: string, file: string): ServerReading {
  return readServerConfig({ file: readYaml(text, file), env: () => undefined, flags: {} });
}

export function faultless(reading: ServerReading): ServerReading {
  if (reading.faults.length > 0) throw faultsError(reading.faults);
  return reading;
}

export async function caKeyOf(world: World, path: string): Promise<string> {
  const text = await world.files.readIfThere(path);
  if (text === undefined) throw new JabberError("cluster.no_ca_key", path);
  return text;
}
