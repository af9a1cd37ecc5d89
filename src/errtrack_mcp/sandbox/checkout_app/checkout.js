(()=>{function u(r,t){let{percent:e}=r.account.discount;return Math.round(t*e)/100}function i(r){let t=r.lines.reduce((e,o)=>e+o.price*o.quantity,0);return t-u(r.customer,t)}var n=class{constructor(t){this.order=t}order;submit(){return`${i(this.order).toFixed(2)} EUR`}};function c(r){return new n(r).submit()}globalThis.onClick=c;})();
//# sourceMappingURL=checkout.js.map
