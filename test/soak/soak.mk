# make soak: load, faults and full checks, on servers of its own.
# make model: random operations against a naive model.

.PHONY: soak model

soak:
	@test/throwaway.sh soak test/soak/run.sh soak.pl

model:
	@CONF='max_prepared_transactions = 20' test/throwaway.sh soak \
		env PERL5LIB=test/tap:test/model \
		perl test/model/model.pl
