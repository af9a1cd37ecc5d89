import { PostHog } from "posthog-node";

import { averagePrice } from "./cart";

async function main(host: string): Promise<void> {
  const client = new PostHog("phc_sandbox_4242", { host });
  try {
    averagePrice([]);
  } catch (error) {
    client.captureException(error, "visitor-1");
  }
  await client.shutdown();
}

void main(process.argv[2]);
