"""The official clients, run as their users run them, and the kit that gets and drives them."""
