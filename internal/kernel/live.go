package kernel

import "qushu/internal/kernel/dataset"

// declareLive tells what the kernel itself answers for as live datasets.
func (k *Kit) declareLive() {
	for _, l := range []dataset.Live{k.Org.Live(k.Words), k.Flow.Live(), k.Settings.Live()} {
		if err := k.Datasets.Declare(l); err != nil {
			panic("a live dataset of the program does not keep the rules: " + err.Error())
		}
	}
}
