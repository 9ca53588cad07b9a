# make bench: figures as ratios, on a throw-away server with fsync on.

.PHONY: bench

bench:
	@test/throwaway.sh bench test/bench/hot_item.sh
