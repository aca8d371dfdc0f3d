"""May they go there: targets, rules, the policy made of them, and which addresses are public. No I/O but reading the data files beside it."""
