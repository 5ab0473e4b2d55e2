import { type Command, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { FORMATS } from "./output.ts";

/** `-o table|json|yaml|name`, the same on every verb that prints data. */
export function addFormat(command: Command) {
  return command.addOption(
    new Option("-o, --output <format>", "how to print").choices(FORMATS).default("table" as const),
  );
}

/** For options that count something. */
export function wholeNumber(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < 1 || !Number.isSafeInteger(number)) {
    throw new InvalidArgumentError("Give a whole number from 1.");
  }
  return number;
}

/** For options that may repeat. A `<k=v...>` option would take the arguments behind it too. */
export function collect(value: string, before: string[] | undefined): string[] {
  return [...before ?? [], value];
}
