"""What the checks stand on: the standard library only, so that nothing here can agree with Xinqiao by accident."""
