module example.com/acme

go 1.26.0

require veilbench v0.0.0

replace veilbench => ../../..
