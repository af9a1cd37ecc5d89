import { total } from "./cart.js";
import { shown } from "./shown.js";

// 🛒 and 𝑛 lie beyond the basic plane: each counts twice in the columns of a source map.
const 𝑛ame = "🛒", lines = [{ price: 3, number: 2 }, { price: 0.5, number: 4 }];
console.log(`${𝑛ame} ${shown(total(lines))} ${/^[\u{1F6D2}]$/u.test(𝑛ame)} "🛒"`); try { total([]); } catch (error) { console.error(error.stack); }

import("./late.js").then(({ late }) => console.log(late()));
if (typeof process === "object") {
  process.exitCode = 7;
}
