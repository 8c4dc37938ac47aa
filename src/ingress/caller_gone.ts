import { OmnispanError } from "../core/errors.ts";

/** Why a request ends whose caller left, by whichever transport. */
export const CALLER_GONE = new OmnispanError("cancelled", "the caller went away");
