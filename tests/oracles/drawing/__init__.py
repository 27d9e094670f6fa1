"""What differential.py and mutate_configs.py draw: models of every family, the files they lie in, adapters, conversations."""
