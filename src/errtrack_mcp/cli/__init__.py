"""What a person types besides `serve`: what there is to call, one call, and what keeps calls from working."""
