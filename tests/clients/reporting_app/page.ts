import posthog from "posthog-js/dist/module.full.no-external";

import { averagePrice } from "./cart";

posthog.init("phc_sandbox_4242", {
  api_host: new URLSearchParams(location.search).get("host")!,
  capture_exceptions: true,
  capture_pageview: false,
  autocapture: false,
  opt_out_useragent_filter: true, // a browser without a screen counts as a bot
});

const pay = document.querySelector<HTMLButtonElement>("#pay")!;
pay.addEventListener("click", () => {
  pay.textContent = String(averagePrice([]));
});
pay.click();
