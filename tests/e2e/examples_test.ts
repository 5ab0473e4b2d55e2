/** What users copy has to work: every script under the example's own policy, in a real fleet. */
import assert from "node:assert/strict";
import { parse } from "yaml";
import { readYaml } from "../../base/config/yaml.ts";
import { readAgentConfig } from "../../agent/config.ts";
import { parsePolicy } from "../../agent/policy/parse.ts";
import { parseScript } from "../../wire/sign/mod.ts";
import { Fleet } from "../support/fleet.ts";
import { COMMANDS, commandTable } from "../../mod.ts";
import { dice } from "../../examples/own-agent/dice.ts";

const EXAMPLES = new URL("../../examples/", import.meta.url);
const table = commandTable([...COMMANDS, dice]);

async function scripts(): Promise<string[]> {
  const found: string[] = [];
  for (const folder of ["scripts", "own-agent"]) {
    for await (const { name } of Deno.readDir(new URL(`${folder}/`, EXAMPLES))) {
      const isScript = folder === "scripts" || name.endsWith(".js");
      if (isScript) found.push(`${folder}/${name}`);
    }
  }
  return found.sort();
}

const agentText = (): Promise<string> => Deno.readTextFile(new URL("jabber-agent.yaml", EXAMPLES));

Deno.test("every example script is well formed, and asks for what there is and no more than it may", async () => {
  const names = await scripts();
  assert.ok(names.length >= 5, names.join());
  for (const name of names) {
    const { header } = parseScript(await Deno.readFile(new URL(name, EXAMPLES)));
    const access = header.uses.map((key) => table.get(key)?.access ?? `${key} is no command`);
    assert.equal(header.access, Math.max(...access.map(Number)), `${name}: ${access.join()}`);
    assert.match(name, new RegExp(`/${header.name}\\.`), "a script's name is its file's");
  }
});

Deno.test("the example configuration of an agent is one", async () => {
  const file = readYaml(await agentText(), "jabber-agent.yaml");
  const { config, faults } = readAgentConfig({ file, env: () => undefined, flags: {} });
  assert.deepEqual(faults, []);
  const policy = parsePolicy(config.policy);
  assert.equal(config.name, "web1");
  assert.deepEqual(policy.files.read, ["/var/log"]);
  assert.deepEqual(policy.programs.map(({ path }) => path), ["/usr/bin/df", "/usr/bin/sleep", "/usr/bin/tail"]);
});

Deno.test("every example script runs under the example's policy", async () => {
  const fleet = await Fleet.start();
  try {
    const { policy } = parse(await agentText()) as { policy: { files: { read: string[] } } };
    const logs = `${await Deno.realPath(fleet.folder)}/logs`;
    await Deno.mkdir(logs);
    await Deno.writeTextFile(`${logs}/app.log`, "fine\nan ERROR here\nfine\nerror: there\n");
    policy.files.read.push(logs);
    await fleet.startAgent({ name: "web1", tags: { role: "web" }, policy });

    const run = async (name: string, ...args: string[]): Promise<string> => {
      const copy = `${fleet.folder}/${name}`;
      await Deno.copyFile(new URL(`scripts/${name}`, EXAMPLES), copy);
      await fleet.must("sign", copy);
      const { out, err } = await fleet.must("run", "-l", "role=web", copy, ...args);
      return out + err;
    };
    assert.match(await run("facts-table.js"), /upDays/);
    const counted = await run("count-errors.js", "--file", `${logs}/app.log`);
    assert.match(counted, /an ERROR here/);
    assert.match(counted, /error: there/);
    assert.doesNotMatch(counted, /fine/);
    assert.match(await run("host-report.js", "--file", `${logs}/app.log`, "--looks", "1"), /usedPercent/);
    const watch = () => run("watch-log.js", "--file", `${logs}/app.log`);
    assert.match(await watch(), /an ERROR here/);
    assert.doesNotMatch(await watch(), /ERROR|there/);
    await Deno.rename(`${logs}/app.log`, `${logs}/app.log.1`);
    await Deno.writeTextFile(`${logs}/app.log`, "a new error\n");
    const rotated = await watch();
    assert.match(rotated, /was rotated/);
    assert.match(rotated, /a new error/);
    assert.match((await fleet.must("agent", "ls", "-o", "json")).out, /"log": ?"noisy"/);
    await run("disk-alarm.js", "--percent", "100");
    const full = await fleet.cli("run", "-l", "role=web", "disk-alarm", "--percent", "1");
    assert.equal(full.code, 1);
    assert.match(full.out + full.err, /more than 1 % full/);
  } finally {
    await fleet.stop();
  }
});
