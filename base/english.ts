/**
 * The words for what is wrong with a value. `zod/mini` brings none of its own: each of its checks here is handed these,
 * so that nobody has to set them for the whole process first.
 */
import en from "zod/v4/locales/en.js";

/** The second argument of `safeParse`. */
export const ENGLISH = { error: en().localeError } as const;
