# Reads benchstat's comparison as CSV and says which benchmarks became slower, and
# of which nobody can tell; exit code 1 if one is worse. A heading names the unit in
# its second and fourth column; a line below it holds name, base, interval, new,
# interval, change, p. An interval is "3%", or "∞" of too few runs; change is "~"
# where the difference is not significant.
$1 == "" && $2 != "" && $2 !~ /base/ { unit = $2; next }
$1 == "" || $1 == "geomean" || $2 == "" || $4 == "" || NF < 6 { next }
{
	change = $6 ~ /^[-+][0-9.]+%$/ ? $6 + 0 : 0
	if (unit == "accuracy" && change < 0 || unit == "sec/op" && change > margin || unit ~ /\/s$/ && change < -margin) {
		printf "worse: %s, %s %s (%s)\n", $1, unit, $6, $7
		bad = 1
	}
	if (unit != "sec/op") next

	# Slower by more than the margin at the far ends of both intervals: what was
	# measured does not rule it out. What is significantly faster is no such case.
	told++
	high = $3 ~ /%/ && $5 ~ /%/ && $3 + 0 < 100 ? $4 * (100 + $5) / ($2 * (100 - $3)) : 1e9
	if (change >= 0 && change <= margin && high > 1 + margin / 100) noisy[++many] = $1 " (±" $3 " and ±" $5 ")"
}
END {
	for (i = 1; i <= many; i++) print "too noisy to tell: " noisy[i]
	if (bad) printf "FAIL: significantly worse than %s by more than %s %%\n", base, margin
	else if (many || !told) printf "too noisy to tell for %d of %d benchmarks whether they are slower than %s by more than %s %%: run them on a quiet machine, or with a larger COUNT\n", many, told, base, margin
	else printf "no slowdown: none of %d benchmarks is slower than %s by more than %s %%\n", told, base, margin
	exit bad
}
