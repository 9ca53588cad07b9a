# make bench: figures as ratios, on a throw-away server with fsync on.

.PHONY: bench

bench:
	@RESULTS=$(if $(PUBLISH),doc) test/throwaway.sh bench \
		env PERL5LIB=test/tap:test/bench perl test/bench/bench.pl
