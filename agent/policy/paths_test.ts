import assert from "node:assert/strict";
import { isBelow } from "../../base/paths.ts";
import { checkPath, type Folders, type RealPath, resolveFolders } from "./paths.ts";

/** A disk of plain files and folders, and links from path to path. */
function disk(files: readonly string[], links: Readonly<Record<string, string>>): RealPath {
  const resolve = (path: string, hops = 0): string => {
    assert.ok(hops < 10);
    for (const [link, target] of Object.entries(links)) {
      if (isBelow(path, link)) return resolve(target + path.slice(link.length), hops + 1);
    }
    return path;
  };
  return (path) => {
    const real = resolve(path);
    return files.some((file) => isBelow(file, real)) ? real : null;
  };
}

const realPath = disk(
  ["/var/log/syslog", "/var/log/app/a", "/run/app/b", "/etc/shadow", "/srv/only", "/var/logs/x"],
  {
    "/var/run": "/run",
    "/var/log/out": "/etc",
    "/var/log/in": "/var/log/app",
    "/var/log/shadow": "/etc/shadow",
    "/alias": "/var/log",
  },
);
const folders: Folders = resolveFolders(["/var/log", "/var/run/app", "/srv/only", "/later"], realPath);

Deno.test("checkPath() passes what really lies below an allowed folder", () => {
  const passes: [string, string][] = [
    ["/var/log/syslog", "/var/log/syslog"],
    ["/var/log", "/var/log"],
    ["/var/log/in/a", "/var/log/app/a"],
    ["/var/run/app/b", "/run/app/b"],
    ["/run/app/b", "/run/app/b"],
    ["/srv/only", "/srv/only"],
  ];
  for (const [path, real] of passes) assert.deepEqual(checkPath(path, folders, realPath), { real, exists: true });
});

Deno.test("checkPath() says where a missing file would be", () => {
  const missing: [string, string][] = [
    ["/var/log/new", "/var/log/new"],
    ["/var/log/in/new", "/var/log/app/new"],
    ["/var/run/app/new", "/run/app/new"],
    ["/var/log/no/such/file", "/var/log/no/such/file"],
    ["/later/file", "/later/file"],
    ["/later", "/later"],
  ];
  for (const [path, real] of missing) {
    assert.deepEqual(checkPath(path, folders, realPath), { real, exists: false }, path);
  }
});

Deno.test("checkPath() refuses every way out", () => {
  for (
    const path of [
      "/etc/shadow",
      "/var/log/shadow",
      "/var/log/out/shadow",
      "/var/log/out/new",
      "/var/log/out/no/such",
      "/var/log/../../etc/shadow",
      "/var/log/./syslog",
      "/var/log//syslog",
      "/var/log/",
      "var/log/syslog",
      "./syslog",
      "",
      "/",
      "/var/logs/x",
      "/var/log\0/syslog",
      "/var/log/\ud800",
      "/alias/syslog",
      "/srv/only2",
      "/srv",
      "/var",
      "~/x",
    ]
  ) {
    assert.throws(() => checkPath(path, folders, realPath), { code: "policy.path_refused" }, JSON.stringify(path));
  }
});

Deno.test("checkPath() does not ask the disk about a path elsewhere", () => {
  const never: RealPath = (path) => assert.fail(`asked for ${path}`);
  assert.throws(() => checkPath("/etc/shadow", folders, never), { code: "policy.path_refused" });
});

Deno.test("checkPath() keeps the agent's own folder out of reach, also inside an allowed one", () => {
  const own = resolveFolders(["/var"], realPath, ["/alias", "/var/none"]);
  assert.equal(checkPath("/var/logs/x", own, realPath).real, "/var/logs/x");
  for (const path of ["/var/log/syslog", "/var/log", "/var/log/new", "/var/none/deep/key", "/var/log/in/a"]) {
    assert.throws(() => checkPath(path, own, realPath), { code: "policy.path_refused" }, path);
  }
});

Deno.test("resolveFolders() fixes the wall at start", () => {
  // Somebody replaces the allowed folder with a link later: the wall stays where it was.
  const later = disk(["/etc/shadow"], { "/srv/data": "/etc" });
  const fixed = resolveFolders(["/srv/data"], disk(["/srv/data/x"], {}));
  assert.throws(() => checkPath("/srv/data/shadow", fixed, later), { code: "policy.path_refused" });
});

Deno.test("checkPath() writes a refused path so that a terminal shows it", () => {
  assert.throws(() => checkPath("/x\u202e\x1b[31m", folders, realPath), (error: Error) => {
    assert.match(error.message, /\/x\\u202e\\u001b\[31m/);
    return true;
  });
});
