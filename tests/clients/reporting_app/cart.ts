export interface Line {
  price: number;
  quantity: number;
}

export function averagePrice(lines: Line[]): number {
  if (lines.length === 0) {
    throw new RangeError("A cart without lines has no average price");
  }
  return lines.reduce((sum, line) => sum + line.price, 0) / lines.length;
}
