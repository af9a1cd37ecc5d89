import { discountFor, type Customer } from "./discount";

export interface Line {
  price: number;
  quantity: number;
}

export interface Order {
  customer: Customer;
  lines: Line[];
}

/** Adds up an order, less the customer's discount. */
export function orderAmount(order: Order): number {
  const sum = order.lines.reduce((amount, line) => amount + line.price * line.quantity, 0);
  return sum - discountFor(order.customer, sum);
}
