import { orderAmount, type Order } from "./order/amount";

class Checkout {
  constructor(private readonly order: Order) {}

  submit(): string {
    const amount = orderAmount(this.order);
    return `${amount.toFixed(2)} EUR`;
  }
}

export function onClick(order: Order): string {
  return new Checkout(order).submit();
}

(globalThis as Record<string, unknown>).onClick = onClick;
