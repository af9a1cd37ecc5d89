export const shown = (price) => `${price.toFixed(2)} €
  in the middle of a text: 🛒`;
