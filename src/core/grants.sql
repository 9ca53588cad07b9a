-- core: rights, last of all modules.  Nothing for PUBLIC but what the custom
-- types' own functions need.

