import { configureLogging } from "./logging.ts";
import { parseSettings } from "./config.ts";
import { startEngine } from "./engine.ts";
const { settings } = parseSettings(Deno.args, Deno.env.toObject());
configureLogging(settings);
const e = await startEngine(settings);
console.log("listening", e.address);
