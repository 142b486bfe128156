package profile

// Lives says how the people of homes that are watched for weeks spend their
// days. Hours count from the midnight that a day begins with, so those of a
// night may be beyond 24.
type Lives struct {
	// Residents is how many people live in a home.
	Residents Length      `yaml:"residents"`
	Days      []DayKind   `yaml:"days"`
	People    []LifeStyle `yaml:"people"`
	// Habit moves a person's bed and wake times; ShortSleep is the night of one
	// who goes to bed late.
	Habit      Hours   `yaml:"habit_h"`
	ShortSleep Hours   `yaml:"short_sleep_h"`
	NapP       float64 `yaml:"nap_p"`
	Nap        Hours   `yaml:"nap_h"`
	NapFor     Hours   `yaml:"nap_for_h"`
	Errand     Hours   `yaml:"errand_h"`
	ErrandFor  Hours   `yaml:"errand_for_h"`
	// An evening out may end on the next day, after a night elsewhere.
	Out           Hours   `yaml:"out_h"`
	OutFor        Hours   `yaml:"out_for_h"`
	OvernightP    float64 `yaml:"overnight_p"`
	OvernightBack Hours   `yaml:"overnight_back_h"`
	// Trips are weekends, vacations may be on any days of four weeks; nobody
	// stays at home.
	TripP        float64 `yaml:"trip_p"`
	VacationP    float64 `yaml:"vacation_p"`
	VacationDays Length  `yaml:"vacation_days"`
	GuestsP      float64 `yaml:"guests_p"`
	Guests       Length  `yaml:"guests"`
	GuestsAt     Hours   `yaml:"guests_h"`
	GuestsFor    Hours   `yaml:"guests_for_h"`
	// IdleShare is the share of an event class's daily rate that happens at any
	// time, whoever is there.
	IdleShare float64 `yaml:"idle_share"`
}

// DayKind is one kind of day in a person's life: at work from Leave for Away,
// or free if Away is zero.
type DayKind struct {
	ID      string  `yaml:"id"`
	Wake    Hours   `yaml:"wake_h"`
	Bed     Hours   `yaml:"bed_h"`
	Leave   Hours   `yaml:"leave_h"`
	Away    Hours   `yaml:"away_h"`
	Errands Length  `yaml:"errands"`
	OutP    float64 `yaml:"out_p"` // chance of an evening out
}

// LifeStyle is a kind of person: the kinds of days that follow each other.
type LifeStyle struct {
	ID     string   `yaml:"id"`
	Weight float64  `yaml:"weight"`
	Plan   []string `yaml:"plan"`
}

// Day returns the kind of day with the given ID, nil if there is none.
func (l *Lives) Day(id string) *DayKind {
	for i := range l.Days {
		if l.Days[i].ID == id {
			return &l.Days[i]
		}
	}
	return nil
}
