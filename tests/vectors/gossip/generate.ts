/**
 * Writes the vectors beside this file: `./denow run -A tests/vectors/gossip/generate.ts`. They are what HashiCorp's
 * memberlist 0.2.2 and a stock serf agent put on the wire, made by the programs in tests/support/gossip_oracle. They are
 * frozen: run it only to add cases, and look at the diff. It needs Go, Debian's golang-github-hashicorp-memberlist-dev
 * and serf, and two ports of this machine.
 */
const GOPATH = "/usr/share/gocode";
const PACKAGE = "src/github.com/hashicorp/memberlist";
const here = new URL("./", import.meta.url);
const oracle = new URL("../../support/gossip_oracle/", here);

async function run(program: string, args: string[], options: Deno.CommandOptions = {}): Promise<string> {
  const { code, stdout } = await new Deno.Command(program, { args, stderr: "inherit", ...options }).output();
  if (code !== 0) throw new Error(`${program} ended with ${code}`);
  return new TextDecoder().decode(stdout);
}

/** The package with our own file in it, because the functions that write packets are not exported. */
async function build(folder: string): Promise<string> {
  await Deno.mkdir(`${folder}/${PACKAGE}`, { recursive: true });
  await Deno.mkdir(`${folder}/src/oracle`);
  await run("cp", ["-r", `${GOPATH}/${PACKAGE}/.`, `${folder}/${PACKAGE}`]);
  await Deno.copyFile(new URL("inside/vectors.go", oracle), `${folder}/${PACKAGE}/vectors.go`);
  await Deno.copyFile(new URL("main.go", oracle), `${folder}/src/oracle/main.go`);
  const env = { GO111MODULE: "off", GOPATH: `${folder}:${GOPATH}` };
  await run("go", ["build", "-o", `${folder}/gossip_oracle`, "oracle"], { env });
  return `${folder}/gossip_oracle`;
}

const folder = await Deno.makeTempDir();
try {
  const program = await build(folder);
  const lines = (await run(program, ["vectors"])).split("\n");
  const isLzw = (line: string) => line.startsWith("lzw ");
  await Deno.writeTextFile(new URL("memberlist.txt", here), lines.filter((line) => !isLzw(line)).join("\n"));
  await Deno.writeTextFile(new URL("lzw.txt", here), lines.filter(isLzw).join("\n") + "\n");
  await Deno.writeTextFile(new URL("serf.txt", here), await run(program, ["serf"]));
} finally {
  await Deno.remove(folder, { recursive: true });
}
