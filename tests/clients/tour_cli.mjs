// A program: runs the Seam CLI once for each command line in the file that TOUR_CALLS names.
// The CLI's own program is loaded anew for each, with arguments, input and output of its own, and
// has ended when nothing is left to do. A line of JSON for each run says how it ended and what it
// printed.
import { readFileSync } from "node:fs";
import { Readable } from "node:stream";

const program = new URL("node_modules/@seamapi/cli/bin/cli.js", `file://${process.cwd()}/`);
const lines = JSON.parse(readFileSync(process.env.TOUR_CALLS, "utf8"));
const ends = [];
let printed = "";

const print = process.stdout.write.bind(process.stdout);
const printError = process.stderr.write.bind(process.stderr);
const exit = process.exit.bind(process);
process.stdout.write = process.stderr.write = (chunk) => {
  printed += chunk;
  // What ends in a circle is to fail here, before it has taken the machine's memory.
  if (printed.length > 1_000_000) exit(1, printError(printed.slice(0, 2_000)));
  return true;
};
process.exit = (code) => {
  process.exitCode = code;
};

const next = async () => {
  const number = ends.length;
  await (await fetch(`${process.env.SEAM_CLI_ENDPOINT}/mark/${number}`)).text();
  process.argv = [process.execPath, "seam", ...lines[number]];
  Object.defineProperty(process, "stdin", { configurable: true, value: Readable.from([]) });
  await import(`${program}?run=${number}`);
};

process.on("beforeExit", async () => {
  ends.push({ outcome: process.exitCode ? printed : "done" });
  printed = "";
  process.exitCode = 0;
  if (ends.length < lines.length) await next();
  else print(ends.map((end) => JSON.stringify(end)).join("\n"));
});

await next();
