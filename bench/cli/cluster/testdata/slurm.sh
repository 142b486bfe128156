#!/bin/sh
# Submits 16 jobs, a shard each, and a job that merges what they computed. Run it with
# sh where sbatch is.
set -eu
id=$(sbatch --parsable <<'JOB'
#!/bin/sh
#SBATCH --job-name=veilbench
#SBATCH --array=0-15
#SBATCH --cpus-per-task=2
#SBATCH --mem=2048M
#SBATCH --time=90
#SBATCH --signal=B:USR1@30
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output="runs/paper.%a.log"
#SBATCH --partition=long
#SBATCH --account=lab
#SBATCH --exclude=n[1-3]
# A job whose node is lost is run again, and goes on where it was; so is one that the
# time limit is about to cut off. What a job's owner cancels (TERM) ends.
veilbench run testdata/paper.yaml --seed=3 '--dataset=my homes=/data/it'\''s' --shard "$SLURM_ARRAY_TASK_ID"/16 --out runs/paper-"$SLURM_ARRAY_TASK_ID" &
pid=$!
trap 'kill -TERM $pid' TERM
trap 'kill -TERM $pid; wait $pid || :; [ "${SLURM_RESTART_COUNT:-0}" -ge 20 ] || scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"; exit 130' USR1
code=0
wait $pid || code=$?
if kill -0 $pid 2>/dev/null; then wait $pid || code=$?; fi
exit $code
JOB
)
id=${id%%;*}
echo "shards: job $id"
merge=$(sbatch --parsable --job-name=veilbench-merge --dependency="afterany:$id" --open-mode=append \
	--output=runs/paper.merge.log --partition=long --account=lab '--exclude=n[1-3]' --wrap='veilbench merge runs/paper-[0-9]* --out runs/paper; code=$?; veilbench report runs/paper; exit $code')
echo "merge: job ${merge%%;*}"
