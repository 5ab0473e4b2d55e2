/** Archives made by an enemy, and places that take no backup: the compiled server changes nothing and says why. */
import assert from "node:assert/strict";
import { TAR_BLOCK, tarHeader, tarPadding } from "../../base/tar.ts";
import { Fleet } from "../support/fleet.ts";
import { binary } from "../support/program.ts";

interface Ran {
  code: number;
  err: string;
}

async function server(args: string[], options: Partial<Deno.CommandOptions> = {}): Promise<Ran> {
  const { code, stderr } = await new Deno.Command(binary("jabber-server"), {
    args,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    ...options,
  }).output();
  return { code, err: new TextDecoder().decode(stderr) };
}

interface Entry {
  name: string;
  header: Uint8Array;
  bytes: Uint8Array;
}

/** The entries of a plain archive. */
function entriesOf(archive: Uint8Array): Entry[] {
  const found: Entry[] = [];
  for (let at = 0; archive[at] !== undefined && archive[at] !== 0;) {
    const header = archive.slice(at, at + TAR_BLOCK);
    const text = new TextDecoder().decode(header);
    const size = Number.parseInt(text.slice(124, 136), 8);
    at += TAR_BLOCK;
    found.push({ name: text.slice(0, 100).replace(/\0.*$/s, ""), header, bytes: archive.slice(at, at + size) });
    at += size + tarPadding(size);
  }
  return found;
}

function archiveOf(entries: readonly Entry[]): Blob {
  const parts = entries.flatMap(({ header, bytes }) => [header, bytes, new Uint8Array(tarPadding(bytes.length))]);
  return new Blob([...parts.map((part) => new Uint8Array(part)), new Uint8Array(2 * TAR_BLOCK)]);
}

const entry = (name: string, bytes: Uint8Array): Entry => ({
  name,
  header: tarHeader({ name, size: bytes.length }),
  bytes,
});

/** A header of another type of entry; its sum is right. */
function retyped(name: string, type: string, target: string): Entry {
  const header = tarHeader({ name, size: 0 });
  header[156] = type.charCodeAt(0);
  header.set(new TextEncoder().encode(target), 157);
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
  return { name, header, bytes: new Uint8Array() };
}

/** What an enemy makes of the entries of a good archive; the first of them is the manifest. */
function attacks(folder: string): { name: string; change(entries: Entry[]): Entry[] }[] {
  const evil = new TextEncoder().encode("evil");
  const behind = (more: Entry) => ([manifest, ...rest]: Entry[]) => [manifest!, more, ...rest];
  const instead = (name: string, make: (old: Entry) => Entry) => (entries: Entry[]) =>
    entries.map((old) => old.name === name ? make(old) : old);
  return [
    { name: "a name that leads out of the folder", change: behind(entry("../../evil", evil)) },
    { name: "an absolute name", change: behind(entry(`${folder}/evil`, evil)) },
    { name: "a symbolic link", change: behind(retyped("config/9-link", "2", folder)) },
    { name: "a database that is a link", change: instead("store.db", () => retyped("store.db", "2", "/etc/passwd")) },
    { name: "a database that is a device", change: instead("store.db", () => retyped("store.db", "3", "")) },
    { name: "an entry twice", change: (entries) => [...entries.slice(0, 2), ...entries.slice(1)] },
    { name: "an entry less", change: (entries) => entries.filter(({ name }) => !name.endsWith("node.key")) },
    {
      name: "another key",
      change: (all) => all.map((old) => /node\.key$/.test(old.name) ? entry(old.name, evil) : old),
    },
    {
      name: "a version of the future",
      change: instead("manifest.json", ({ name, bytes }) => {
        const manifest = JSON.parse(new TextDecoder().decode(bytes));
        return entry(name, new TextEncoder().encode(JSON.stringify({ ...manifest, format: 99 })));
      }),
    },
    {
      name: "a manifest whose files belong elsewhere",
      change: instead("manifest.json", ({ name, bytes }) => {
        const text = new TextDecoder().decode(bytes).replaceAll('"node.key"', '"../evil"');
        return entry(name, new TextEncoder().encode(text));
      }),
    },
    { name: "only zeros", change: () => [] },
  ];
}

/** A running server and a good backup of it. */
interface Place {
  fleet: Fleet;
  config: string;
  backup: string;
}

/** Where to restore to. */
const target = ({ fleet }: Place, name: string) => `${fleet.folder}/restored/${name}/jabber-server.yaml`;

function files(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? files(`${folder}/${name}`) : [`${folder}/${name}`]
  );
}

type Step = (t: Deno.TestContext, place: Place) => Promise<void>;

const archives: Step = async (t, place) => {
  const { fleet } = place;
  const good = entriesOf(await Deno.readFile(place.backup));
  for (const [index, { name, change }] of attacks(fleet.folder).entries()) {
    await t.step(`an archive with ${name} leaves no file behind`, async () => {
      const path = `${fleet.folder}/bad.tar`;
      await Deno.writeFile(path, archiveOf(change(good)).stream());
      await Deno.mkdir(`${fleet.folder}/restored/${index}`, { recursive: true });
      const { code, err } = await server(["restore", path, "--config", target(place, `${index}`)]);
      assert.equal(code, 1, err);
      assert.match(err, /code=backup\.(?:damaged|newer) next=/);
      assert.deepEqual(files(`${fleet.folder}/restored`), []);
      await assert.rejects(Deno.lstat(`${fleet.folder}/evil`), Deno.errors.NotFound);
    });
  }
};

const places: Step = async (t, place) => {
  const { fleet, config, backup } = place;
  await t.step("an archive that is a folder, a device or not there; a place that takes no files", async () => {
    const cases = [
      [fleet.folder, target(place, "none"), "file.unreadable"],
      ["/dev/zero", target(place, "none"), "backup.damaged"],
      [`${fleet.folder}/gone.tar`, target(place, "none"), "file.unreadable"],
      [backup, "/proc/none/jabber-server.yaml", "file.unreadable"],
    ] as const;
    for (const [path, to, code] of cases) {
      const { err } = await server(["restore", path, "--config", to]);
      assert.ok(err.includes(`code=${code} next=`), err);
    }
  });
  await t.step(
    "a backup to a full disk, a closed pipe or a folder that is not there says so, and leaves nothing",
    async () => {
      const shell = (line: string) =>
        new Deno.Command("/bin/sh", { args: ["-c", line, binary("jabber-server"), config], stdin: "null" }).output();
      for (const line of [`"$0" backup - --config "$1" > /dev/full`, `"$0" backup - --config "$1" | true`]) {
        const said = new TextDecoder().decode((await shell(line)).stderr);
        assert.match(said, /code=file\.unreadable next=/, line);
      }
      const nowhere = await server(["backup", `${fleet.folder}/gone/x.tar`, "--config", config]);
      assert.match(nowhere.err, /code=file\.unreadable next=/);
      assert.deepEqual(files(`${fleet.clusterFolder}/data`).filter((path) => path.includes("/.jabber-")), []);
    },
  );
  await t.step("somebody else restores nothing from it, and reads nothing", async () => {
    if (Deno.build.os === "windows" || Deno.uid() !== 0) return;
    const mine = await Deno.makeTempDir({ prefix: "jabber-other-" });
    try {
      await Deno.chmod(mine, 0o777);
      // Its own copy: the folder of the programs may be closed to others.
      await Deno.copyFile(binary("jabber-server"), `${mine}/jabber-server`);
      const args = ["restore", backup, "--config", `${mine}/jabber-server.yaml`];
      const other = new Deno.Command(`${mine}/jabber-server`, { args, uid: 65534, gid: 65534, env: { HOME: mine } });
      const { code, stderr } = await other.output();
      assert.equal(code, 1);
      assert.match(new TextDecoder().decode(stderr), /code=file\.unreadable next=/);
      assert.deepEqual(files(mine), [`${mine}/jabber-server`]);
    } finally {
      await Deno.remove(mine, { recursive: true });
    }
  });
};

Deno.test("backup and restore take no archive and no place that could do harm", async (t) => {
  const fleet = await Fleet.start();
  try {
    const config = `${fleet.clusterFolder}/jabber-server.yaml`;
    const place = { fleet, config, backup: `${fleet.folder}/backup.tar` };
    const made = await server(["backup", place.backup, "--config", config]);
    assert.equal(made.code, 0, made.err);
    for (const steps of [archives, places]) await steps(t, place);
    await t.step("the good archive is good", async () => {
      const { code, err } = await server(["restore", place.backup, "--config", target(place, "good")]);
      assert.equal(code, 0, err);
    });
  } finally {
    await fleet.stop();
  }
});
