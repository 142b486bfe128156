package folder

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"veilbench/datasets/folder/events"
	"veilbench/datasets/folder/owners"
	"veilbench/datasets/labels"
	"veilbench/datasets/sheet"
)

// truthFile is a file of events.
type truthFile struct {
	name     string // path in the folder
	events   []events.Event
	triggers bool // times alone: device and activity are not in the file
	nameless bool // events of a device that the file does not name
}

// truth is what the text files of a folder say.
type truth struct {
	lists []deviceList
	files []*truthFile
	names map[string]bool // files that name servers
	stays []stayFile
	cells []string
}

// deviceList is a list of devices and the file that holds it.
type deviceList struct {
	name string
	list []owners.Owned
}

// stayFile says who was home when during the recording that it lies beside.
type stayFile struct {
	name string // path in the folder
	*labels.File
}

// readTruth reads every text file for what it is. Files of events that are named,
// on the command line or in dataset.yaml, stand for those of the folder; lists
// of devices in the folder count unless one is named.
func (l *loader) readTruth() error {
	// What was said last wins: the command line over dataset.yaml.
	names, named, from := l.files.texts, []string(l.f.spec.Labels.File), l.text
	if len(l.o.Labels) > 0 {
		named, from = l.o.Labels, readText
	}
	if len(named) > 0 {
		if err := l.readTexts(named, from, true); err != nil {
			return err
		}

		// The rest is read for lists of devices alone; what else it holds is put
		// back.
		events, lists, cells := l.truth.files, l.truth.lists, l.truth.cells
		rest := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return slices.Contains(named, n) })
		if err := l.readTexts(rest, l.text, false); err != nil {
			return err
		}
		l.truth.files, l.truth.cells = events, cells
		if len(lists) > 0 {
			l.truth.lists = lists
		}
		return l.readSpecDevices()
	}
	if err := l.readTexts(names, l.text, false); err != nil {
		return err
	}
	return l.readSpecDevices()
}

// readSpecDevices adds what dataset.yaml says of devices, in place of lists
// found in the folder.
func (l *loader) readSpecDevices() error {
	d := l.f.spec.Devices
	switch {
	case d.File != "":
		text, err := l.text(d.File)
		if err != nil {
			return err
		}
		list, ok, err := owners.Parse(d.File, text, l.o.Times.Zone)
		if err == nil && !ok {
			err = fmt.Errorf("%s: want lines with a name and a hardware or IP address", d.File)
		}
		l.truth.lists = []deviceList{{d.File, list}}
		return err
	case len(d.Owned) > 0:
		var list []owners.Owned
		for name, addrs := range d.Owned {
			for _, s := range addrs {
				a, _ := owners.ParseAddress(s) // checked
				list = append(list, owners.Owned{Addr: a, Device: name})
			}
		}
		slices.SortFunc(list, func(a, b owners.Owned) int {
			return strings.Compare(a.Device+a.Addr.String(), b.Device+b.Addr.String())
		})
		l.truth.lists = []deviceList{{specFile, list}}
	case len(d.Names) > 0:
		l.truth.lists = nil
	}
	return nil
}

func isNames(rel string) bool {
	return strings.HasSuffix(rel, ".names.csv") || path.Base(rel) == "names.csv"
}

// isStays says whether a file holds stays: their tables have the columns of events but
// for the device, so the name decides.
func isStays(rel string) bool { return strings.HasSuffix(rel, ".stays.csv") }

// readTexts sorts text files by what they hold. One that must be understood and
// is not is an error, any other is passed over.
func (l *loader) readTexts(names []string, open func(string) (string, error), must bool) error {
	for _, n := range names {
		if err := l.ctx.Err(); err != nil {
			return err
		}

		// Names of servers look like a list of devices.
		if isNames(n) {
			l.truth.names[n] = true
			continue
		}
		text, err := open(n)
		if errors.Is(err, sheet.ErrNoText) && !must && !mayBeTruth(text) {
			l.leave(n, err.Error())
			continue
		}
		if err != nil {
			return err
		}
		what, err := l.readOne(n, text)
		if err != nil {
			return err
		}
		if what == "" {
			if must {
				return fmt.Errorf("%s: neither events (columns time, device, activity) nor a list of devices with their addresses", n)
			}
			l.leave(n, "neither events nor a list of devices")
		}
	}
	return nil
}

// mayBeTruth says whether a text that cannot be read begins as truth does: then to
// pass it over would lose labels in silence.
func mayBeTruth(text string) bool {
	text = strings.ToValidUTF8(text, "?")
	if rows, _, err := events.ReadRows(text); err == nil && len(rows) > 0 && events.IsHeader(rows[0]) {
		return true
	}
	_, ok, err := owners.Parse("", text, time.UTC)
	return ok || err != nil
}

// readOne finds out what a text is, the surest signs first.
func (l *loader) readOne(name, text string) (what string, err error) {
	// JSON and cells show themselves by their first bytes, a table by its first
	// row. Times alone come before lists of devices, which take any words.
	body := strings.TrimSpace(text)
	if strings.HasPrefix(body, "{") || strings.HasPrefix(body, "[") {
		evs, err := events.ParseJSON(filepath.Base(name), text)
		if err == nil && len(evs) == 0 {
			return l.readList(name, text)
		}
		if err != nil {
			return "", err
		}
		l.truth.files = append(l.truth.files, &truthFile{name: name, events: evs})
		return "events", nil
	}
	if isStays(name) {
		f, err := labels.Read(strings.NewReader(text), filepath.Base(name), l.o.Times)
		l.truth.stays = append(l.truth.stays, stayFile{name, f})
		return "stays", err
	}
	if isCells(text) {
		l.truth.cells = append(l.truth.cells, name)
		return "cells", nil
	}
	if rows, lines, err := events.ReadRows(text); err == nil && len(rows) > 0 && events.IsHeader(rows[0]) {
		evs, said, err := events.ParseTable(filepath.Base(name), text, rows, lines, l.o.Times)
		if err != nil {
			return "", err
		}
		l.f.doubts, l.f.warnings = append(l.f.doubts, said.Doubts...), append(l.f.warnings, said.Warnings...)
		nameless := !slices.ContainsFunc(evs, func(e events.Event) bool { return e.Device != labels.OneDevice })
		l.truth.files = append(l.truth.files, &truthFile{name: name, events: evs, nameless: nameless})
		return "events", nil
	}
	if evs, ok := events.ParseTriggers(text, path.Ext(name) == ".timestamps"); ok {
		l.f.doubts = append(l.f.doubts, events.TakeMinutes(name, evs)...)
		for i := range evs {
			evs[i].Start, evs[i].End = evs[i].Start.Add(l.o.Times.Offset), evs[i].End.Add(l.o.Times.Offset)
		}
		l.truth.files = append(l.truth.files, &truthFile{name: name, events: evs, triggers: true})
		return "triggers", nil
	}
	return l.readList(name, text)
}

// readList reads a text as a list of devices, if it is one.
func (l *loader) readList(name, text string) (what string, err error) {
	list, ok, err := owners.Parse(name, text, l.o.Times.Zone)
	if err != nil || !ok {
		return "", err
	}
	l.truth.lists = append(l.truth.lists, deviceList{name, list})
	return "devices", nil
}
