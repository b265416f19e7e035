"""What the checks stand on: the standard library only, so that nothing can agree with Xinqiao by accident."""
