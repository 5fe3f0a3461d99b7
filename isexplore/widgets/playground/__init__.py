"""The playground: contrived distributions with exact answers, the digits changed by hand, and an attack."""
