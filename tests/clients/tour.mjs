// A program: makes the calls that it reads from its input with an official JavaScript client.
// The variable TOUR_PACKAGE names the client's package. A line of JSON for each call says what
// came of it.
import { text } from "node:stream/consumers";

const { Seam } = await import(process.env.TOUR_PACKAGE);
// Clients of some years hide what the documentation leaves out.
const seam = new Seam({ isUndocumentedApiEnabled: true });

const camelCase = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());

// The language's own type for moments.
const own = (value) => {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(own);
  if (typeof value.moment === "string") return new Date(value.moment);
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, own(each)]));
};

const call = async (path, given) => {
  const names = path.slice(1).split("/").map(camelCase);
  const group = names.slice(0, -1).reduce((found, name) => found?.[name], seam);
  const method = names.at(-1);
  if (typeof group?.[method] !== "function") return { outcome: "unknown" };
  try {
    await group[method](own(given));
    return { outcome: "done", given };
  } catch (error) {
    return { outcome: String(error), given };
  }
};

for (const [number, [path, parameters]] of JSON.parse(await text(process.stdin)).entries()) {
  await (await fetch(`${process.env.SEAM_ENDPOINT}/mark/${number}`)).text();
  console.log(JSON.stringify(await call(path, parameters)));
}
