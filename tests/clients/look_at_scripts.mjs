// Tells, of each script in a JSON list on standard input, whether it parses, is strict, and with what it ends.
// A script has a function `isStrict` that is hoisted, so that it can be asked whatever the rest does.
import { readFileSync } from "node:fs";
import vm from "node:vm";

function looked(code) {
  let script;
  try {
    script = new vm.Script(code, { filename: "app.js" });
  } catch {
    return { parses: false };
  }
  const context = vm.createContext({ f: () => 1 });
  let error = "";
  try {
    script.runInContext(context, { timeout: 1000 });
  } catch (thrown) {
    error = String(thrown);
  }
  return { parses: true, strict: vm.runInContext("isStrict()", context), error };
}

console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(looked)));
