/*! A comment that bundlers keep: 🛒 */
export function total(lines) {
  if (lines.length === 0) {
    throw new RangeError("A cart without lines has no total");
  }
  return lines.reduce((sum, line) => sum + line.price * line.number, 0);
}
