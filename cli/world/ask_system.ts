/** Asks the person at the terminal. */
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** One line from the terminal; a secret is not echoed. Ends at Ctrl-C or end of input with an empty answer. */
export function askLine(question: string, options: { secret: boolean }): Promise<string> {
  if (options.secret) return Promise.resolve(readHidden(question));
  Deno.stderr.writeSync(encoder.encode(question));
  return readPlain();
}

/** Does not hold up what else goes on: output keeps coming, and Ctrl-C is heard. */
async function readPlain(): Promise<string> {
  const bytes: number[] = [];
  const one = new Uint8Array(1);
  while (await Deno.stdin.read(one) === 1 && one[0] !== 0x0a) bytes.push(one[0]!);
  return decoder.decode(new Uint8Array(bytes)).replace(/\r$/, "");
}

const CTRL_C = 0x03;
const CTRL_D = 0x04;
const BACKSPACES: readonly number[] = [0x08, 0x7f];

function readHidden(question: string): string {
  const bytes: number[] = [];
  const one = new Uint8Array(1);
  // Before the question: who types fast answers at once, and must not be echoed.
  Deno.stdin.setRaw(true);
  try {
    Deno.stderr.writeSync(encoder.encode(question));
    while (Deno.stdin.readSync(one) === 1) {
      const byte = one[0]!;
      if (byte === 0x0d || byte === 0x0a || byte === CTRL_D) break;
      if (byte === CTRL_C) return "";
      if (BACKSPACES.includes(byte)) bytes.pop();
      else bytes.push(byte);
    }
  } finally {
    Deno.stdin.setRaw(false);
    Deno.stderr.writeSync(encoder.encode("\n"));
  }
  return decoder.decode(new Uint8Array(bytes));
}
