import { JabberError } from "../../base/errors.ts";
import type { MaterialFile } from "../../cluster/ca/mod.ts";
import type { World } from "../world.ts";

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
