package standin

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/robfig/cron/v3"
)

const snapshotsDir = dataDir + "/server/db/snapshots"

// Prefixes of snapshots, as k3s has them.
const (
	onDemand  = "on-demand"
	scheduled = "etcd-snapshot"
)

// snapshots takes snapshots by the schedule of the configuration and keeps so many of them as it says.
func (n *Node) snapshots(ctx context.Context) error {
	if n.config.EtcdSnapshotSchedule == "" {
		<-ctx.Done()
		return nil
	}
	schedule, err := cron.ParseStandard(n.config.EtcdSnapshotSchedule)
	if err != nil {
		return fmt.Errorf("etcd-snapshot-schedule-cron: %w", err)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Until(schedule.Next(time.Now()))):
		}
		if _, err := takeSnapshot(ctx, scheduled, n.config.NodeName); err == nil {
			err = prune(scheduled+"-"+n.config.NodeName, n.config.EtcdSnapshotRetention)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "level=error msg=%q\n", "etcd snapshot: "+err.Error())
		}
	}
}

func takeSnapshot(ctx context.Context, prefix, node string) (string, error) {
	etcd, err := connectEtcd()
	if err != nil {
		return "", err
	}
	defer etcd.Close()
	reader, err := etcd.Snapshot(ctx)
	if err != nil {
		return "", err
	}
	defer reader.Close()
	if err := os.MkdirAll(snapshotsDir, 0o700); err != nil {
		return "", err
	}
	name := fmt.Sprintf("%s-%s-%d", prefix, node, time.Now().Unix())
	file, err := os.OpenFile(filepath.Join(snapshotsDir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	defer file.Close()
	if _, err := io.Copy(file, reader); err != nil {
		return "", err
	}
	return name, file.Sync()
}

// prune removes the oldest snapshots of a prefix beyond a number.
func prune(prefix string, kept int) error {
	paths, err := filepath.Glob(filepath.Join(snapshotsDir, prefix+"-*"))
	if err != nil {
		return err
	}
	slices.Sort(paths)
	for kept > 0 && len(paths) > kept {
		if err := os.Remove(paths[0]); err != nil {
			return err
		}
		paths = paths[1:]
	}
	return nil
}

// snapshotCommand is `k3s etcd-snapshot`.
func snapshotCommand(ctx context.Context, args []string) error {
	command := strings.Join(args[:min(1, len(args))], "")
	switch command {
	case "save":
		flags := flag.NewFlagSet("save", flag.ContinueOnError)
		prefix := flags.String("name", onDemand, "base name of the snapshot")
		if err := flags.Parse(args[1:]); err != nil {
			return err
		}
		config, err := readConfig(configFile, "server")
		if err != nil {
			return err
		}
		name, err := takeSnapshot(ctx, *prefix, config.NodeName)
		if err == nil {
			fmt.Printf("Snapshot %s saved.\n", name)
		}
		return err
	case "ls", "list":
		return listSnapshots(os.Stdout)
	}
	return fmt.Errorf("no such command; %s", usage)
}

func listSnapshots(out io.Writer) error {
	entries, err := os.ReadDir(snapshotsDir)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	fmt.Fprintln(table, "Name\tLocation\tSize\tCreated")
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(table, "%s\tfile://%s\t%d\t%s\n", entry.Name(), filepath.Join(snapshotsDir, entry.Name()), info.Size(), info.ModTime().UTC().Format(time.RFC3339))
	}
	return table.Flush()
}
