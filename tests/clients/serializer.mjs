// A program: writes each set of parameters that it reads, a line of JSON, as the query string that
// the official JavaScript clients write; a line of JSON each, {query} or {refused}.
import { createInterface } from "node:readline";
import { serializeUrlSearchParams } from "@seamapi/url-search-params-serializer";

const written = (parameters) => {
  try {
    return { query: serializeUrlSearchParams(parameters) };
  } catch (error) {
    return { refused: String(error) };
  }
};

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(written(JSON.parse(line))));
}
