import assert from "node:assert/strict";
import { service, serviceFlags, type ServiceMore, type ServicePlace } from "./service_system.ts";
import { type ServicePlan, UNIT_MARK, unitText } from "./unit.ts";

const PLAN: ServicePlan = {
  program: "jabber-agent",
  role: "agent",
  executable: "/usr/local/bin/jabber-agent",
  config: "/etc/jabberwocky/jabber-agent.yaml",
  data: "/var/lib/jabber-agent",
  user: "jabber-agent",
  writable: [],
  stopSeconds: 35,
};
const MORE: ServiceMore = { role: "agent", writable: [], stopSeconds: 35 };

function line(text: string, key: string): string[] {
  return text.split("\n").filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1));
}

Deno.test("a unit closes what it can, and says which folders stay open", () => {
  const agent = unitText({ ...PLAN, writable: ["/srv/app", "/srv/my app"] });
  assert.deepEqual(line(agent, "StateDirectory"), ["jabber-agent"]);
  assert.deepEqual(line(agent, "ReadWritePaths"), ['/srv/app "/srv/my app"']);
  assert.deepEqual(line(agent, "ProtectHome"), ["yes"]);
  assert.deepEqual(line(agent, "NoNewPrivileges"), ["yes"]);
  assert.deepEqual(line(agent, "MemoryDenyWriteExecute"), [], "V8 could not start");
  const elsewhere = unitText({ ...PLAN, data: "/home/ann/agent" });
  assert.deepEqual(line(elsewhere, "StateDirectory"), []);
  assert.deepEqual(line(elsewhere, "ReadWritePaths"), ["/home/ann/agent"]);
  assert.deepEqual(line(elsewhere, "ProtectHome"), ["read-only"]);
});

Deno.test("a server's unit holds one capability, and only for a port below 1024", () => {
  const server: ServicePlan = { ...PLAN, program: "jabber-server", role: "server" };
  assert.deepEqual(line(unitText({ ...server, port: 443 }), "AmbientCapabilities"), ["CAP_NET_BIND_SERVICE"]);
  assert.deepEqual(line(unitText({ ...server, port: 443 }), "PrivateUsers"), []);
  assert.deepEqual(line(unitText({ ...server, port: 7431 }), "AmbientCapabilities"), [""]);
  assert.deepEqual(line(unitText({ ...server, port: 7431 }), "PrivateUsers"), ["yes"]);
});

Deno.test("nothing that is put into a unit can say more than a path and a name", () => {
  const odd = unitText({ ...PLAN, config: '/etc/a b/"c"/100%/$HOME\\x.yaml' });
  assert.match(odd, /--config "\/etc\/a b\/\\"c\\"\/100%%\/\$\$HOME\\\\x\.yaml"/);
  for (const path of ["/etc/x\nExecStartPre=/bin/sh", "/a\x00", "relative.yaml"]) {
    for (const key of ["config", "data", "executable"]) {
      assert.throws(() => unitText({ ...PLAN, [key]: path }), { code: "config.invalid" }, `${key} ${path}`);
    }
    assert.throws(() => unitText({ ...PLAN, writable: [path] }), { code: "config.invalid" });
  }
  for (const user of ["", "root\nUser=x", "a b", "-x", "Ä"]) {
    assert.throws(() => unitText({ ...PLAN, user }), { code: "config.invalid" }, user);
  }
});

async function withRoot(systemd: boolean, use: (place: ServicePlace) => void | Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "jabber-unit-" });
  try {
    await Deno.mkdir(`${root}/etc/systemd/system/multi-user.target.wants`, { recursive: true });
    if (systemd) await Deno.mkdir(`${root}/run/systemd/system`, { recursive: true });
    await use({ root, executable: () => "/usr/local/bin/jabber-agent" });
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const flags = (...args: string[]) => serviceFlags("jabber-agent", args);

Deno.test("service install writes the unit and says what to run; uninstall takes it away again", () =>
  withRoot(true, (place) => {
    const unit = `${place.root}/etc/systemd/system/jabber-agent.service`;
    const wanted = `${place.root}/etc/systemd/system/multi-user.target.wants/jabber-agent.service`;
    const said = service("jabber-agent", flags("install", "--user", "ann"), MORE, place);
    assert.match(said, /useradd .* ann\n[^]*systemctl daemon-reload\n {2}systemctl enable --now jabber-agent$/);
    const text = Deno.readTextFileSync(unit);
    assert.equal(text, unitText({ ...PLAN, user: "ann" }));
    assert.equal(Deno.statSync(unit).mode! & 0o777, 0o644);
    // A second time, with something else: it is ours, so it is replaced.
    service("jabber-agent", flags("install", "--data", "/srv/agent"), MORE, place);
    assert.match(Deno.readTextFileSync(unit), /--data \/srv\/agent/);
    Deno.symlinkSync(unit, wanted);
    assert.match(service("jabber-agent", flags("uninstall"), MORE, place), /systemctl stop jabber-agent/);
    for (const path of [unit, wanted]) assert.throws(() => Deno.lstatSync(path), Deno.errors.NotFound);
    assert.throws(() => service("jabber-agent", flags("uninstall"), MORE, place), { code: "input.not_found" });
  }));

Deno.test("service touches no unit that somebody else wrote", () =>
  withRoot(true, (place) => {
    const unit = `${place.root}/etc/systemd/system/jabber-agent.service`;
    Deno.writeTextFileSync(unit, "[Service]\nExecStart=/bin/true\n");
    for (const action of ["install", "uninstall"]) {
      assert.throws(() => service("jabber-agent", flags(action), MORE, place), { code: "service.exists" });
    }
    assert.equal(Deno.readTextFileSync(unit), "[Service]\nExecStart=/bin/true\n");
  }));

Deno.test("a host without systemd gets an error that names the other way, and may still look at the unit", () =>
  withRoot(false, (place) => {
    for (const action of ["install", "uninstall"]) {
      assert.throws(() => service("jabber-agent", flags(action), MORE, place), {
        code: "service.no_manager",
        next: /jabber-agent supervise/,
      });
    }
    assert.deepEqual([...Deno.readDirSync(`${place.root}/etc/systemd/system`)].map(({ name }) => name), [
      "multi-user.target.wants",
    ]);
    assert.ok(service("jabber-agent", flags("install", "--print"), MORE, place).startsWith(UNIT_MARK));
  }));

Deno.test("service from source is refused: a unit that starts the toolchain would be none", () => {
  assert.throws(() => service("jabber-agent", flags("install", "--print"), MORE), { code: "program.unsupported" });
  for (const args of [[], ["start"], ["install", "now"]]) assert.throws(() => flags(...args), { code: "input.usage" });
});
