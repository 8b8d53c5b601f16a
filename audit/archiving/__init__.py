"""Old months of the log: taken out as one file that proves itself, and brought back when somebody has to read them."""
