export interface Customer {
  name: string;
  account?: { discount: { percent: number } };
}

/** Throws for a customer without an account: the bug that the sandbox's issues show. */
export function discountFor(customer: Customer, sum: number): number {
  const { percent } = customer.account!.discount;
  return Math.round(sum * percent) / 100;
}
