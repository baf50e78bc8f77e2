"""The engines that write pairs from captions: rules, a served model, Ray."""
