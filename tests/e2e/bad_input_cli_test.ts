/** What a hostile host, a broken pipe and a clumsy person do to the compiled command line. */
import assert from "node:assert/strict";
import { canRun } from "../support/needs.ts";
import { Fleet } from "../support/fleet.ts";
import { binary } from "../support/program.ts";
import { assertRefused } from "./bad_input.ts";

type Step = (t: Deno.TestContext, fleet: Fleet) => Promise<void>;

interface Shelled {
  out: string;
  err: string;
}

const FORGED = "FORGED web1 ok";

/** A tag and a script that try to say a line as somebody else; a name may not. */
const EVIL = `evil\n${FORGED}`;
const SAYS = `/*---
name: says
access: 0
uses: [log.info]
---*/
await log.info(${JSON.stringify(`first\n${FORGED}\nlast`)});
return ${JSON.stringify(`answer\n${FORGED}`)};
`;

Deno.test("the command line withstands hosts that lie, pipes that close and files that are none", async (t) => {
  const fleet = await Fleet.start();
  try {
    await Promise.all([
      fleet.startAgent({ name: "evil", tags: { role: EVIL } }),
      // A name that is a command, for whoever evaluates it.
      fleet.startAgent({ name: `$(touch ${fleet.folder}/pwned)`, folder: `${fleet.folder}/pwn` }),
    ]);
    for (const steps of [forgery, completion, pipes, files, jobs]) await steps(t, fleet);
  } finally {
    await fleet.stop();
  }
});

/** Runs a line of bash with `jabber` in it. */
async function bash(fleet: Fleet, script: string, path = ""): Promise<Shelled> {
  const dist = binary("jabber").replace(/\/jabber$/, "");
  const { stdout, stderr } = await new Deno.Command("bash", {
    args: ["-c", script],
    env: { ...fleet.env, NO_COLOR: "1", PATH: `${path}${dist}:/usr/bin:/bin` },
    clearEnv: true,
    cwd: fleet.folder,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

async function bashLacks(): Promise<string | undefined> {
  try {
    await new Deno.Command("bash", { args: ["-c", "true"] }).output();
    return undefined;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return "bash is not installed";
    throw cause;
  }
}

const forgery: Step = async (t, fleet) => {
  const path = `${fleet.folder}/says.js`;
  const job = `${fleet.folder}/beat.yaml`;
  await Deno.writeTextFile(path, SAYS);
  await fleet.must("script", "sign", path);
  const clean = (text: string, what: string) => {
    assert.doesNotMatch(text, new RegExp(`^\\s*${FORGED}`, "m"), what);
    assert.match(text, /FORGED/, `${what} is where it would stand`);
  };
  await t.step("a line feed in a tag or a text begins no line that somebody else might have said", async () => {
    const firehose = fleet.cliProgram("firehose");
    let isHeard = false;
    const heard = firehose.line(/ last$/).then(() => isHeard = true);
    // Nobody says when a firehose is connected.
    while (!isHeard) await Promise.race([heard, fleet.must("run", path)]);
    await firehose.stop("SIGINT");
    clean(firehose.lines.join("\n"), "the firehose");
    await Deno.writeTextFile(job, (await fleet.must("job", "new", "beat", "--does", "sys.facts", "--every", "1h")).out);
    await fleet.must("job", "sign", job);
    clean((await fleet.must("job", "apply", "--dry-run", job)).out, "the agents of a job");
    clean((await fleet.must("agent", "ls")).out, "the list of agents");
  });
};

const completion: Step = async (t, fleet) => {
  if (!canRun(await bashLacks())) return;
  const offered = (line: string, path = "") =>
    bash(
      fleet,
      `source <(jabber completion bash); COMP_LINE='${line}'; COMP_POINT=\${#COMP_LINE}
       read -r -a COMP_WORDS <<<"$COMP_LINE"; COMP_WORDS+=(""); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
       _jabber; printf '<%s>\\n' "\${COMPREPLY[@]}"`,
      path,
    );
  await t.step("completion offers no name that is more than a word", async () => {
    const { out, err } = await offered("jabber agent show ");
    assert.equal(err, "");
    assert.doesNotMatch(out, /touch/);
  });
  await t.step("bash evaluates nothing that it is offered, whoever offers it", async () => {
    const folder = `${fleet.folder}/liar`;
    const real = binary("jabber");
    await Deno.mkdir(folder);
    const lies = ["$(touch pwned)", "`touch pwned`", "a;touch pwned", "<(touch pwned)", "x[$(touch pwned)]", ":files"];
    const script =
      `#!/bin/bash\nif [ "$1" = completion ]; then exec '${real}' "$@"; fi\nprintf '%s\\tabout $(touch pwned)\\n' ` +
      `${lies.map((lie) => `'${lie}'`).join(" ")}\n`;
    await Deno.writeTextFile(`${folder}/jabber`, script, { mode: 0o755 });
    await Deno.writeTextFile(`${fleet.folder}/$(touch pwned).js`, "");
    for (const line of ["jabber agent show ", "jabber $(touch pwned) ", "jabber script push a[$(touch pwned)] "]) {
      const { out, err } = await offered(line, `${folder}:`);
      assert.equal(err, "", line);
      assert.match(out, /<\$\(touch pwned\)>/, "the lie got as far as the shell");
    }
  });
  await t.step("and no file came of it", async () => {
    await assert.rejects(Deno.stat(`${fleet.folder}/pwned`), Deno.errors.NotFound);
  });
};

const pipes: Step = async (t, fleet) => {
  const statuses = async (line: string) => {
    const { out, err } = await bash(fleet, `${line} >/dev/null; echo "\${PIPESTATUS[0]}"`);
    return { code: Number(out), err };
  };
  await t.step("a reader that goes away ends a command quietly", async () => {
    for (const verb of ["agent ls", "history", "types", "--help", "config schema agent"]) {
      assert.deepEqual(await statuses(`jabber ${verb} | true`), { code: 0, err: "" }, verb);
      assert.deepEqual(await statuses(`jabber ${verb} | head -1`), { code: 0, err: "" }, verb);
    }
  });
  await t.step("a full disk behind the output is an error, and no defect", async () => {
    for (const verb of ["agent ls", "types", "--help"]) {
      const { out, err } = await bash(fleet, `jabber ${verb} > /dev/full; echo "$?" >&2`);
      assert.equal(out, "");
      assert.match(err, /No space left on device[^]*\(file\.unreadable\)\n1\n$/, verb);
    }
  });
  await t.step("a locale that is none changes nothing", async () => {
    const { out, err } = await bash(fleet, `LC_ALL=xx_YY.nope LANG=$'\\xff' jabber agent ls -o name`);
    assert.match(out, /^agent-\S+\nagent-\S+\n$/);
    assert.equal(err, "");
  });
};

const files: Step = async (t, fleet) => {
  await t.step(
    "a file that never ends, a folder, a place that cannot be written: refused, with a next step",
    async () => {
      for (const verb of [["config", "check"], ["job", "sign"], ["script", "sign"], ["job", "apply", "--yes"]]) {
        const endless = await fleet.cli(...verb, "/dev/zero");
        assert.equal(endless.code, 1, verb.join(" "));
        assert.match(endless.out + endless.err, /more than 16 MiB[^]*\(file\.unreadable\)/, verb.join(" "));
        assert.match((await fleet.cli(...verb, fleet.folder)).err, /\(file\.unreadable\)/, verb.join(" "));
      }
      for (const home of ["/proc/none", "/dev/null"]) {
        const { err } = await bash(fleet, `JABBER_HOME=${home} jabber keygen; echo $?`);
        assert.match(err, /\((?:input\.not_found|input\.conflict|file\.unreadable)\)/, home);
      }
    },
  );
  await t.step("a contexts file that is none", async () => {
    for (const text of ['{"current":', "\u0000\u0001", "[]", '{"current": 1, "contexts": {}}']) {
      const folder = await Deno.makeTempDir({ dir: fleet.folder });
      await Deno.writeTextFile(`${folder}/contexts.json`, text, { mode: 0o600 });
      const { err } = await bash(fleet, `JABBER_HOME=${folder} jabber agent ls`);
      assert.match(err, /contexts\.json[^]*\(config\.invalid\)/, text);
    }
    assertRefused(await fleet.cli("agent", "ls", "--context", "__proto__"), "input.not_found");
  });
};

const jobs: Step = async (t, fleet) => {
  const path = `${fleet.folder}/job.yaml`;
  const made = async (...args: string[]) => {
    const { out } = await fleet.must("job", "new", "bad", "--does", "sys.facts", ...args);
    await Deno.writeTextFile(path, out);
    return out;
  };
  const applied = async () => {
    await fleet.must("job", "sign", path);
    return await fleet.cli("job", "apply", "--yes", path);
  };
  await t.step("a job whose end has passed", async () => {
    await made("--every", "1h", "--until", "2020-01-01");
    assertRefused(await applied(), "document.expired");
  });
  await t.step("a job of another cluster", async () => {
    const text = await made("--every", "1h");
    await Deno.writeTextFile(path, text.replace(/^cluster: .*$/m, `cluster: 01KA${"0".repeat(22)}`));
    assertRefused(await applied(), "document.wrong_cluster");
  });
  await t.step("a job file with Windows line ends", async () => {
    await Deno.writeTextFile(path, (await made("--every", "1h")).replaceAll("\n", "\r\n"));
    assertRefused(await fleet.cli("job", "sign", path), "document.malformed");
  });
  await t.step("a selector of a thousand terms, spans and ids that are none", async () => {
    const selector = Array.from({ length: 1000 }, (_, n) => `role=web${n}`).join(",");
    const make = (id: string, ...args: string[]) => fleet.cli("job", "new", id, "--does", "sys.facts", ...args);
    assertRefused(await make("bad", "--every", "1h", "-l", selector), "selector.malformed");
    for (const span of ["0s", "1ms", "-5s", "99999999999d"]) {
      assertRefused(await make("bad", "--every", span), "input.usage", 2);
    }
    for (const id of ["../x", "__proto__", "a\nb"]) {
      assertRefused(await make(id, "--every", "1h"), "document.malformed");
    }
    assertRefused(await fleet.cli("job", "rm", "--yes", "nothing"), "input.not_found");
  });
  await t.step("a cron pattern that never fires is refused by the agents, who say so", async () => {
    await made("--cron", "0 0 30 2 *");
    assert.equal((await applied()).code, 0);
    for (;;) {
      const shown = (await fleet.must("job", "show", "bad", "-o", "json")).out;
      const states: { state: string; error?: { code: string } }[] = JSON.parse(shown).agents;
      if (states.length < 2 || states.some(({ state }) => state === "waiting")) continue;
      assert.deepEqual(states.map(({ state, error }) => [state, error?.code]), [
        ["refused", "job.never_fires"],
        ["refused", "job.never_fires"],
      ]);
      break;
    }
  });
};
